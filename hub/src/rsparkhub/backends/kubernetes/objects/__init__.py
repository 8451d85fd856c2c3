"""What is made on the cluster, as the JSON that the API server gets. Pure: none of these asks or writes anything.

`placed` works out once where and as what an ensemble runs; `generation` has the order of its objects, which `secret`, `pod`,
`persistent` and `spark` build. `namespace` has what a namespace of sessions has once, of the rules in `network`; `admission` and
`rights` what a cluster has once. `render` prints all of them.
"""
