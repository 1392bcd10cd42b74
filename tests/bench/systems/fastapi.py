"""FastAPI over SQLAlchemy, in the shape of FastAPI's full-stack template, on Django's table of users."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import jwt
from cryptography.hazmat.primitives import serialization
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import BaseModel, ConfigDict
from sqlalchemy import String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

API = "/api/v1"
PRIVATE = serialization.load_pem_private_key(os.environ["JWT_KEYS"].encode(), None)
PUBLIC = PRIVATE.public_key()


class CheapHash:
    """Stands in for a password hash while instructions are counted."""

    def hash(self, password: str) -> str:
        return hashlib.md5(password.encode()).hexdigest()

    def verify(self, password: str, hashed: str) -> bool:
        return self.hash(password) == hashed


passwords: Any = (
    CheapHash() if "BENCH_CHEAP_HASH" in os.environ else PasswordHash((Argon2Hasher(),))
)
# Hashed for an unknown user, so that this takes as long.
NOBODY = passwords.hash("nobody's")
engine = create_engine(
    f"sqlite:///{os.environ['BENCH_DATABASE']}",
    connect_args={"check_same_thread": False},
)


@event.listens_for(engine, "connect")
def like_the_others(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "auth_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    password: Mapped[str] = mapped_column(String(128))
    last_login: Mapped[datetime | None]
    is_superuser: Mapped[bool] = mapped_column(default=False)
    username: Mapped[str] = mapped_column(String(150), unique=True)
    first_name: Mapped[str] = mapped_column(String(150), default="")
    last_name: Mapped[str] = mapped_column(String(150), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    is_staff: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    date_joined: Mapped[datetime]


class UserPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    username: str
    email: str
    first_name: str
    last_name: str
    date_joined: datetime
    last_login: datetime | None


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


class TokenPayload(BaseModel):
    sub: str | None = None


def get_db() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_db)]
TokenDep = Annotated[
    str, Depends(OAuth2PasswordBearer(tokenUrl=f"{API}/login/access-token"))
]


def get_current_user(session: SessionDep, token: TokenDep) -> User:
    try:
        claims = TokenPayload(**jwt.decode(token, PUBLIC, algorithms=["ES256"]))
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "Could not validate credentials") from error
    user = session.get(User, int(claims.sub or 0))
    if not user:
        raise HTTPException(404, "User not found")
    if not user.is_active:
        raise HTTPException(400, "Inactive user")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]
application = FastAPI(openapi_url=f"{API}/openapi.json")


@application.post(f"{API}/login/access-token")
def login(
    session: SessionDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]
) -> Token:
    user = session.scalar(select(User).where(User.username == form.username))
    correct = passwords.verify(form.password, user.password if user else NOBODY)
    if not user or not correct:
        raise HTTPException(400, "Incorrect email or password")
    if not user.is_active:
        raise HTTPException(400, "Inactive user")
    until = datetime.now(UTC) + timedelta(days=8)
    claims = {"exp": until, "sub": str(user.id)}
    return Token(access_token=jwt.encode(claims, PRIVATE, algorithm="ES256"))


@application.post(f"{API}/login/test-token", response_model=UserPublic)
def test_token(user: CurrentUser) -> Any:
    return user


@application.get(f"{API}/users/me", response_model=UserPublic)
def me(user: CurrentUser) -> Any:
    return user


def make_users(names: tuple[str, ...], password: str) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for name in names:
            session.add(
                User(
                    username=name,
                    email=f"{name}@example.com",
                    password=passwords.hash(password),
                    date_joined=datetime.now(UTC).replace(tzinfo=None),
                )
            )
        session.commit()
