"""What could be: travel times, routing problems, engines, checks and what-if. No database, no channels."""
