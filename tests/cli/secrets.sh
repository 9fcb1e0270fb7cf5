# A connection string in the wrong place is not repeated.
url=postgres://somebody:s3cret@127.0.0.1:1/shop
repl "$url"
repl init "$url"
repl pause public.t "$url"
repl init --sorce="$url"
repl init --jobs "$url"
repl status --timeout "$url"
repl help "$url"
repl status --wait "$url"
