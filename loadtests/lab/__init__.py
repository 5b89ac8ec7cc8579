"""The laboratory: measures topologies under the same load, and judges whether to extract scheduling."""
