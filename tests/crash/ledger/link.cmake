# Ledgers on a disk that loses power, and ledgers that somebody or something damaged.
set(timeout 600)
set(labels crash)
