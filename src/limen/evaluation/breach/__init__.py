"""The breach drill: a hub of its own is robbed at every place, and what each thief can read, use or link is counted.

`people` are enrolled in two hubs; `loot` is what a thief finds in bytes; `truth` is what there was to be found; `front`
is a front that was taken over; `linkage` asks whether two hubs' stores tell that they hold the same person; `control`
is the same hub with sealing switched off, where everything must be found; `drill` plays it all; `report` says what
came of it.
"""
