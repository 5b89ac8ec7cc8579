"""Monitoring of the product: Grafana dashboards, Prometheus rules."""
