"""What those who run the product can see of it: metrics, logs, health."""
