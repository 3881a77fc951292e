package main

import _ "touchline.dev/touchline/internal/metrics"

func main() {}
