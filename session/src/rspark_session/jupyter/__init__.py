"""The Jupyter server of a session: started with what it needs and no more, and in touch with the agent.

`__main__` makes the server (`server`) with its kernels (`kernels`, `kernelspecs`), terminals (`terminals`) and pages (`lab`,
or `rspark_session.terminal`). `presence` tells the agent what a person does and what computes, over `line`; `sleep` and
`wake` save and bring back what kernels hold.
"""
