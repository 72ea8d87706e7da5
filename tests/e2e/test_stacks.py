"""Several stacks side by side: two in a region, and one name in two regions."""

import json

from remediator_cli.records import Records
from remediator_cli.waiting import poll
from simulator.days import BACK, GameDay
from simulator.environment import STACK, GameDayEnvironment
from simulator.local_aws import REGION
from simulator.shop import Shop

SECONDS_TO_HEAL = 300
STACKS = [(STACK, REGION), ("second", REGION), (STACK, "eu-west-1")]


def test_each_of_several_stacks_heals_and_leaves_the_others_alone() -> None:
    day = GameDay("stacks", "several stacks in one account", BACK, ())
    with Shop(slow_seconds=0.2) as shop, GameDayEnvironment(shop, day) as environment:
        environment.deploy()
        outputs = {STACKS[0]: environment.outputs}
        for stack, region in STACKS[1:]:
            text = json.dumps({"email": shop.email, "password": shop.password})
            secret = environment.aws.client("secretsmanager", region).create_secret(Name=stack, SecretString=text)
            parameters = {**environment.parameters, "DinerSecretArn": secret["ARN"]}
            outputs[stack, region] = environment.aws.deploy(environment.built, stack, parameters, region)

        def healings() -> list[int]:
            tables = [
                Records(environment.aws.client("dynamodb", region), outputs[stack, region]["TableName"], stack)
                for stack, region in STACKS
            ]
            return [sum(json.loads(e.data).get("outcome") == "HEALED" for e in table.log()) for table in tables]

        for number, (stack, region) in enumerate(STACKS):
            before = healings()
            shop.chaos("fail")
            topic = outputs[stack, region]["AlarmTopicArn"]
            environment.aws.client("sns", region).publish(TopicArn=topic, Message="Orders fail")
            for _ in poll(SECONDS_TO_HEAL, every=0.2):
                if healings() != before:
                    break
            assert healings() == [count + (each == number) for each, count in enumerate(before)], (stack, region)
