"""Why a target is not met, by the figure's key: the limit that stands in the way. Kept by hand."""

EXPLANATIONS: dict[str, str] = {
    "P2": (
        "Against the direct writers the target is met; 2 ms is not. Each of the 32 processes sends a batch every "
        "50 ms, which here holds one message: 640 a second, each with a question to the broker about its run. With "
        "the worker that is more than two cores give (the load is 8), and a caller that wakes up waits for a "
        "processor; the median is below half a millisecond. Asking the broker less often is still to be tried."
    ),
    "P8": (
        "A question takes 1 to 3 ms of processor time in the median, by its filters, and 4.3 ms in the 99th "
        "percentile; the rest is waiting for one of the two cores, which worker, producer and broker share with it. "
        "Tried: rankings that know which patterns are active, and a page cache of 32 MB, which brought the median "
        "from 3.8 to 3.0 ms."
    ),
}
