// Has no code: its target compiles once what most tests include.
