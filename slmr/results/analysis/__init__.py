"""What results say: rankings, comparisons, effects, gates, diagnoses."""
