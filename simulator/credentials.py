"""What `make deploy` begins with: are there credentials for AWS? One line says so, before any question."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

QUICK = Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 1})
WHAT_TO_DO = "log in (`aws configure`, `aws sso login` or the like), or name a profile: AWS_PROFILE=… make deploy"


def main() -> None:
    """Say into whose account it will be; exit code 1 if AWS knows nobody by the credentials, with what to do."""
    try:
        session = boto3.Session()
        region = session.region_name or "us-east-1"  # as SAM, which asks for it later
        account = session.client("sts", region_name=region, config=QUICK).get_caller_identity()["Account"]
    except ClientError as error:
        sys.exit(f"AWS refuses the credentials ({error.response['Error']['Code']}): {WHAT_TO_DO}")
    except BotoCoreError as error:
        sys.exit(f"AWS can't be asked who you are ({error}): {WHAT_TO_DO}")
    print(f"deploying into account {account}")  # noqa: T201 - it is what it's for


if __name__ == "__main__":
    main()
