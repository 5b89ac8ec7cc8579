"""Servers that replace each other: Postgres under Patroni with etcd, and HAProxy in front of everything."""
