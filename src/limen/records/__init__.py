"""What countries own: records of people, their samples, their way in and out, and the gallery's feed."""
