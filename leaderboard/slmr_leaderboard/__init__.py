"""The Streamlit leaderboard: `serve` starts it, `views` draw what `slmr.results` returns."""
