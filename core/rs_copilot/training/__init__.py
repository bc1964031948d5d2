"""Training of the cross-view retriever: where pairs come from, the network, the loop, the export."""
