from cmp_bundle.cli import main

main()
