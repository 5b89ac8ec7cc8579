"""The microservice chassis: what every process of either deployable shares, without any knowledge of the domain."""
