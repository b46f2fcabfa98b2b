"""The Streamlit leaderboard: `serve` starts it, `pages` draw; what they show is asked of `slmr.results`."""
