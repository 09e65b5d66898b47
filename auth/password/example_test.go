package password_test

import (
	"context"
	"fmt"

	"github.com/pdskit/pdskit/auth/password"
)

// Hashes that come from elsewhere.
func ExampleCheckHash() {
	for _, hash := range []string{
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", // bcrypt's
	} {
		fmt.Println(password.CheckHash(hash))
	}
	// Output:
	// <nil>
	// password: unknown form of password hash
}

func ExampleVerify() {
	ctx := context.Background()
	hash, err := password.Hash(ctx, "correct horse battery staple")
	if err != nil {
		panic(err)
	}
	ok, rehash, err := password.Verify(ctx, hash, "correct horse battery staple")
	fmt.Println(ok, rehash, err)
	ok, rehash, err = password.Verify(ctx, hash, "Tr0ub4dor&3")
	fmt.Println(ok, rehash, err)
	// Output:
	// true false <nil>
	// false false <nil>
}
