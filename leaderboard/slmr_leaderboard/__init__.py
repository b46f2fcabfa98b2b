"""The Streamlit leaderboard: `serve` starts it, `views` draw; what they show is asked of `slmr.results`."""
