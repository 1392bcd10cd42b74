<?php

// What a PHP program does with the generated client; tests/test_clients.py runs it.

declare(strict_types=1);

use Authapi\Api\ProfileApi;
use Authapi\Api\TokenApi;
use Authapi\ApiException;
use Authapi\Configuration;
use Authapi\Model\CredentialsRequest;
use Authapi\Model\PatchedProfileUpdateRequest;
use Authapi\Model\Problem;
use Authapi\Model\ProblemCode;
use Authapi\Model\ProblemReason;
use Authapi\Model\RefreshRequest;
use Authapi\Model\RevokeRequest;
use Authapi\Model\TokenPair;

error_reporting(E_ALL);
set_error_handler(function (int $level, string $message, string $file, int $line): never {
    throw new ErrorException($message, 0, $level, $file, $line);
});
require 'GuzzleHttp/autoload.php'; // Debian's, on PHP's include path
spl_autoload_register(function (string $class): void {
    require __DIR__ . '/client/lib/' . strtr(substr($class, strlen('Authapi\\')), '\\', '/') . '.php';
});

function configuration(string $token = ''): Configuration
{
    return (new Configuration())->setHost(getenv('API_URL'))->setAccessToken($token);
}

function profiles(string $token): ProfileApi
{
    return new ProfileApi(null, configuration($token));
}

function login(string $password): TokenPair
{
    $body = new CredentialsRequest(['username' => getenv('API_USER'), 'password' => $password]);

    return tokens()->createToken($body);
}

function tokens(): TokenApi
{
    return new TokenApi(null, configuration());
}

/** How the service refused $call: the exception, and the problem that it carries. */
function refused(callable $call): array
{
    try {
        $call();
    } catch (ApiException $exception) {
        $problem = $exception->getResponseObject();
        expect($problem instanceof Problem, $exception);

        return [$exception, $problem];
    }
    throw new Exception('It was not refused.');
}

function expect(bool $holds, mixed $what): void
{
    $holds or throw new Exception(print_r($what, true));
}

function expectReason(string $reason, callable $call): void
{
    [, $problem] = refused($call);
    expect($problem->getReason() === $reason, $problem);
}

$pair = login(getenv('API_PASSWORD'));
echo "login\n";

$profiles = profiles($pair->getAccess());
$profile = $profiles->getProfile();
expect($profile->getUsername() === getenv('API_USER'), $profile);
expect($profile->getDateJoined() instanceof DateTime, $profile);
echo "profile\n";

$changed = $profiles->updateProfile(new PatchedProfileUpdateRequest(['first_name' => 'Ada']));
expect($changed->getFirstName() === 'Ada', $changed);
expect($changed->getEmail() === $profile->getEmail(), $changed);

[, $invalid] = refused(
    fn () => $profiles->updateProfile(new PatchedProfileUpdateRequest(['email' => 'none']))
);
expect($invalid->getCode() === ProblemCode::INVALID, $invalid);
expect(count($invalid->getErrors()['email']) === 1, $invalid);
echo "update\n";

expectReason(ProblemReason::EXPIRED, fn () => profiles(getenv('EXPIRED_ACCESS'))->getProfile());
$renewed = tokens()->refreshToken(new RefreshRequest(['refresh' => getenv('REFRESH')]));
profiles($renewed->getAccess())->getProfile();
echo "renewal\n";

[$exception, $problem] = refused(fn () => login('wrong'));
expect($exception->getCode() === 401, $exception);
expect($problem->getCode() === ProblemCode::NO_ACTIVE_ACCOUNT, $problem);
echo "wrong password\n";

for ($tries = 0; $tries < 20 && $exception->getCode() !== 429; ++$tries) {
    [$exception, $problem] = refused(fn () => login('wrong'));
}
expect($problem->getCode() === ProblemCode::THROTTLED, $problem);
$wait = (int) array_change_key_case($exception->getResponseHeaders())['retry-after'][0];
expect($wait > 0 && $wait <= 60, $wait);
echo "throttled\n";

tokens()->revokeToken(new RevokeRequest(['refresh' => $pair->getRefresh()]));
expectReason(ProblemReason::SESSION_ENDED, fn () => $profiles->getProfile());
echo "logout\n";
