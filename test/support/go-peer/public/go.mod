module public

go 1.22
