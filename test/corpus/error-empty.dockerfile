# nothing but this
#: fails file with no instructions
