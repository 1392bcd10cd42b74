# frozen_string_literal: true

# What a Ruby program does with the generated client; tests/test_clients.py runs it.

require 'authapi'
require 'json'
require 'uri'

USER = ENV.fetch('API_USER')

def api(token = nil)
  url = URI(ENV.fetch('API_URL'))
  configuration = Authapi::Configuration.new
  configuration.scheme = url.scheme
  configuration.host = "#{url.host}:#{url.port}"
  configuration.server_index = nil
  configuration.access_token = token
  Authapi::ApiClient.new(configuration)
end

def profiles(token)
  Authapi::ProfileApi.new(api(token))
end

def tokens
  Authapi::TokenApi.new(api)
end

def login(password)
  tokens.create_token(Authapi::CredentialsRequest.new(username: USER, password: password))
end

# How the service refused: the exception, and the problem that it carries.
def refused
  yield
rescue Authapi::ApiError => e
  body = JSON.parse(e.response_body, symbolize_names: true)
  [e, Authapi::Problem.build_from_hash(body)]
else
  raise 'It was not refused.'
end

def expect(holds, what)
  raise what.inspect unless holds
end

def expect_reason(reason, &call)
  _, problem = refused(&call)
  expect(problem.reason == reason, problem)
end

pair = login(ENV.fetch('API_PASSWORD'))
puts 'login'

profile = profiles(pair.access).get_profile
expect(profile.username == USER, profile)
expect(profile.date_joined.is_a?(Time), profile)
puts 'profile'

changes = Authapi::PatchedProfileUpdateRequest.new(first_name: 'Ada')
changed = profiles(pair.access).update_profile(patched_profile_update_request: changes)
expect(changed.first_name == 'Ada', changed)
expect(changed.email == profile.email, changed)

changes = Authapi::PatchedProfileUpdateRequest.new(email: 'none')
_, invalid = refused { profiles(pair.access).update_profile(patched_profile_update_request: changes) }
expect(invalid.code == Authapi::ProblemCode::INVALID, invalid)
expect(invalid.errors['email'].length == 1, invalid)
puts 'update'

expect_reason(Authapi::ProblemReason::EXPIRED) { profiles(ENV.fetch('EXPIRED_ACCESS')).get_profile }
renewed = tokens.refresh_token(Authapi::RefreshRequest.new(refresh: ENV.fetch('REFRESH')))
profiles(renewed.access).get_profile
puts 'renewal'

error, problem = refused { login('wrong') }
expect(error.code == 401, error)
expect(problem.code == Authapi::ProblemCode::NO_ACTIVE_ACCOUNT, problem)
puts 'wrong password'

20.times do
  break if error.code == 429

  error, problem = refused { login('wrong') }
end
expect(problem.code == Authapi::ProblemCode::THROTTLED, problem)
wait = error.response_headers['Retry-After'].to_i
expect(wait.positive? && wait <= 60, wait)
puts 'throttled'

tokens.revoke_token(Authapi::RevokeRequest.new(refresh: pair.refresh))
expect_reason(Authapi::ProblemReason::SESSION_ENDED) { profiles(pair.access).get_profile }
puts 'logout'
