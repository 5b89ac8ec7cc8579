"""Diagnosis of a running application: the bottleneck module, its scarce resource, affected modules and remedies."""
