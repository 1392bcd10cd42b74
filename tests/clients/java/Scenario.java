import authapi.client.ApiClient;
import authapi.client.ApiException;
import authapi.client.api.ProfileApi;
import authapi.client.api.TokenApi;
import authapi.client.model.CredentialsRequest;
import authapi.client.model.PatchedProfileUpdateRequest;
import authapi.client.model.Problem;
import authapi.client.model.ProblemCode;
import authapi.client.model.ProblemReason;
import authapi.client.model.RefreshRequest;
import authapi.client.model.RevokeRequest;
import authapi.client.model.TokenPair;
import authapi.client.model.UserProfile;

/** What a Java program does with the generated client; tests/test_clients.py runs it. */
public class Scenario {
  static final String USER = System.getenv("API_USER");
  static final TokenApi TOKENS = new TokenApi(api());

  interface Call {
    void run() throws ApiException;
  }

  /** How the service refused: the exception, and the problem that it carries. */
  record Refusal(ApiException exception, Problem problem) {}

  static ApiClient api() {
    ApiClient api = new ApiClient();
    api.updateBaseUri(System.getenv("API_URL"));
    return api;
  }

  static ProfileApi profiles(String token) {
    ApiClient api = api();
    api.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
    return new ProfileApi(api);
  }

  static TokenPair login(String password) throws ApiException {
    return TOKENS.createToken(new CredentialsRequest().username(USER).password(password));
  }

  static Refusal refused(Call call) throws Exception {
    try {
      call.run();
    } catch (ApiException exception) {
      String body = exception.getResponseBody();
      return new Refusal(exception, api().getObjectMapper().readValue(body, Problem.class));
    }
    throw new AssertionError("It was not refused.");
  }

  static void expect(boolean holds, Object what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  static void expectReason(ProblemReason reason, Call call) throws Exception {
    Problem problem = refused(call).problem();
    expect(problem.getReason() == reason, problem);
  }

  public static void main(String[] arguments) throws Exception {
    TokenPair pair = login(System.getenv("API_PASSWORD"));
    System.out.println("login");

    ProfileApi profiles = profiles(pair.getAccess());
    UserProfile profile = profiles.getProfile();
    expect(profile.getUsername().equals(USER) && profile.getDateJoined() != null, profile);
    System.out.println("profile");

    UserProfile changed =
        profiles.updateProfile(new PatchedProfileUpdateRequest().firstName("Ada"));
    expect(changed.getFirstName().equals("Ada"), changed);
    expect(changed.getEmail().equals(profile.getEmail()), changed);

    PatchedProfileUpdateRequest wrong = new PatchedProfileUpdateRequest().email("none");
    Problem invalid = refused(() -> profiles.updateProfile(wrong)).problem();
    expect(invalid.getCode() == ProblemCode.INVALID, invalid);
    expect(invalid.getErrors().get("email").size() == 1, invalid);
    System.out.println("update");

    ProfileApi late = profiles(System.getenv("EXPIRED_ACCESS"));
    expectReason(ProblemReason.EXPIRED, late::getProfile);
    RefreshRequest refresh = new RefreshRequest().refresh(System.getenv("REFRESH"));
    profiles(TOKENS.refreshToken(refresh).getAccess()).getProfile();
    System.out.println("renewal");

    Refusal refusal = refused(() -> login("wrong"));
    expect(refusal.exception().getCode() == 401, refusal);
    expect(refusal.problem().getCode() == ProblemCode.NO_ACTIVE_ACCOUNT, refusal);
    System.out.println("wrong password");

    for (int tries = 0; tries < 20 && refusal.exception().getCode() != 429; tries++) {
      refusal = refused(() -> login("wrong"));
    }
    expect(refusal.problem().getCode() == ProblemCode.THROTTLED, refusal);
    long wait =
        refusal.exception().getResponseHeaders().firstValueAsLong("Retry-After").getAsLong();
    expect(wait > 0 && wait <= 60, wait);
    System.out.println("throttled");

    TOKENS.revokeToken(new RevokeRequest().refresh(pair.getRefresh()));
    expectReason(ProblemReason.SESSION_ENDED, profiles::getProfile);
    System.out.println("logout");
  }
}
