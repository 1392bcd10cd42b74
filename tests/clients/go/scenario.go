// What a Go program does with the generated client; tests/test_clients.py runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"

	authapi "scenario/client"
)

var user = os.Getenv("API_USER")

func api() *authapi.APIClient {
	configuration := authapi.NewConfiguration()
	configuration.Servers = authapi.ServerConfigurations{{URL: os.Getenv("API_URL")}}
	return authapi.NewAPIClient(configuration)
}

func bearer(token string) context.Context {
	return context.WithValue(context.Background(), authapi.ContextAccessToken, token)
}

func login(password string) (*authapi.TokenPair, *http.Response, error) {
	body := authapi.CredentialsRequest{Username: user, Password: password}
	return api().TokenAPI.CreateToken(context.Background()).CredentialsRequest(body).Execute()
}

func profile(token string) (*authapi.UserProfile, error) {
	profile, _, err := api().ProfileAPI.GetProfile(bearer(token)).Execute()
	return profile, err
}

func problem(err error) authapi.Problem {
	var failure *authapi.GenericOpenAPIError
	if errors.As(err, &failure) {
		if problem, ok := failure.Model().(authapi.Problem); ok {
			return problem
		}
	}
	panic(fmt.Sprintf("not a problem: %v", err))
}

func expect(holds bool, what any) {
	if !holds {
		panic(what)
	}
}

func must[T any](value T, err error) T {
	expect(err == nil, err)
	return value
}

func main() {
	pair, _, err := login(os.Getenv("API_PASSWORD"))
	expect(err == nil, err)
	fmt.Println("login")

	before := must(profile(pair.Access))
	expect(before.Username == user && !before.DateJoined.IsZero(), before)
	fmt.Println("profile")

	changes := authapi.NewPatchedProfileUpdateRequest()
	changes.SetFirstName("Ada")
	update := api().ProfileAPI.UpdateProfile(bearer(pair.Access))
	changed, _, err := update.PatchedProfileUpdateRequest(*changes).Execute()
	expect(err == nil, err)
	expect(changed.FirstName == "Ada" && changed.Email == before.Email, changed)

	changes.SetEmail("none")
	_, _, err = update.PatchedProfileUpdateRequest(*changes).Execute()
	invalid := problem(err)
	expect(invalid.Code == authapi.PROBLEMCODE_INVALID, invalid)
	expect(len(invalid.GetErrors()["email"]) == 1, invalid)
	fmt.Println("update")

	_, err = profile(os.Getenv("EXPIRED_ACCESS"))
	expect(*problem(err).Reason == authapi.PROBLEMREASON_EXPIRED, err)
	refresh := authapi.NewRefreshRequest(os.Getenv("REFRESH"))
	renewed, _, err := api().TokenAPI.RefreshToken(context.Background()).RefreshRequest(*refresh).Execute()
	expect(err == nil, err)
	must(profile(renewed.Access))
	fmt.Println("renewal")

	_, answer, err := login("wrong")
	expect(answer.StatusCode == http.StatusUnauthorized, answer.Status)
	expect(problem(err).Code == authapi.PROBLEMCODE_NO_ACTIVE_ACCOUNT, err)
	fmt.Println("wrong password")

	for tries := 0; tries < 20 && answer.StatusCode != http.StatusTooManyRequests; tries++ {
		_, answer, err = login("wrong")
	}
	expect(problem(err).Code == authapi.PROBLEMCODE_THROTTLED, err)
	wait := must(strconv.Atoi(answer.Header.Get("Retry-After")))
	expect(wait > 0 && wait <= 60, wait)
	fmt.Println("throttled")

	revoke := authapi.NewRevokeRequest(pair.Refresh)
	_, err = api().TokenAPI.RevokeToken(context.Background()).RevokeRequest(*revoke).Execute()
	expect(err == nil, err)
	_, err = profile(pair.Access)
	expect(*problem(err).Reason == authapi.PROBLEMREASON_SESSION_ENDED, err)
	fmt.Println("logout")
}
