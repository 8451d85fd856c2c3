"""The Jupyter server of a session: it loads what a session needs and no more, and is connected to the agent.

`__main__` starts `server`, which builds its kernels (`kernels`, `kernelspecs`), terminals (`terminals`) and pages (`lab`, or
`rspark_session.terminal`) from `options`. `reporter` reports to the agent what a person does and what computes, as `messages`
over `control`; `saving` and `restoring` save what kernels hold and restore it. What these share is `runtime`.
"""
