"""The pages of docs/reference, made from the code: the commands, the parameters, the gates and the codes.

They are committed, so that they can be read on GitHub and a change of the code shows what it changes for people.
`python -m docs._ext.reference` writes them; a test compares.
"""
