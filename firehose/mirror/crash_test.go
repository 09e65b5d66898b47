package mirror

const childURL = "MIRROR_TEST_URL"

func child() {}
