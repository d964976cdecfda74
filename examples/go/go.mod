module runreel.example/runreel

go 1.21
