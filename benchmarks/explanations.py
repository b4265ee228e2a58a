"""Why a target is not met, by the figure's key: the limit that stands in the way. Kept by hand."""

EXPLANATIONS: dict[str, str] = {
    "P1": (
        "The limit is the one serial worker: in batches of 500, straight into the store, a message takes it about "
        "100 µs, of which 90 are processor time; ten times the direct writers would leave it some 55, with one of the "
        "two cores for producers and broker. By profile 29 % are reading and checking JSON, 16 % loading the rows that "
        "a batch touches, 13 % the rules, 20 % writing rows, 6 % the inbox and 17 % the commit; with `synchronous=OFF` "
        "it was 6 % faster, so it is no disk that is waited for. Tried: states as named tuples, four statements for "
        "all changes of a batch and two rankings instead of four (4,900 to 7,000 messages a second in all), one "
        "reading of the JSON less (4 µs), patterns in the order of their ids (5 µs), a log of 64 and 128 MB instead "
        "of 16 (nothing). With PostgreSQL, lanes go beyond one core."
    ),
    "P2": (
        "Below 2 ms, but the direct writers are fast too: at this pace, 640 calls a second, a disk that syncs within "
        "half a millisecond hardly keeps them waiting. Where syncing took longer, the same benchmark had 14.9 ms "
        "against 536 ms: 1/36. The wait is for one of the two cores, which 32 producers, broker and worker share."
    ),
    "P3": (
        "The row by row of the benchmark is as fast as SQLite gets: one transaction for all, which stops every writer, "
        "on the bare driver in the same process. Both write the same rows and the same entries of two rankings, in "
        "the order of the ids, and that is most of the work. Ours commits after every 4,000 patterns, so that "
        "messages go on, and writes pages of the rankings again in each chunk. Tried: patterns in the order of their "
        "ids, which made ours four times as fast and row by row twice; a chunk of 6,000 (a quarter faster, but longer "
        "waits). What set-based statements save is a round trip a row, of which there is none here."
    ),
}
