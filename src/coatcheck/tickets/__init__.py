"""Links that the server made: who presents which, what it gives them. What people see of it is made by `pages`."""
