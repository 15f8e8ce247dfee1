"""What each plugin of a Corefile means, a module each; `table` lists them."""
