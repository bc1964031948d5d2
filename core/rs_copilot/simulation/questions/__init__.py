"""Questions about a demo world with exact answers, in the manner of LinkS2Bench's twelve tasks."""
