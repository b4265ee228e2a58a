"""Why a target is not met, by the figure's key: the limit that stands in the way. Kept by hand."""

EXPLANATIONS: dict[str, str] = {}
