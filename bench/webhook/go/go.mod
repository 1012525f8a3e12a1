module kanari.dev/bench/webhook/go

go 1.26
