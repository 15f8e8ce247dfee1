"""The cluster's DNS: a question and a snapshot give an answer."""
