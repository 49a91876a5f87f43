"""The Nornir tasks: render, plan, deploy, collect. The only room that knows Nornir and SSH."""
