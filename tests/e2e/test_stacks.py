"""Several stacks side by side: two in one region, and one name in two regions."""

import json
import time

from console.gameday.days import GameDay
from console.gameday.local_aws import REGION
from console.gameday.scene import STACK, Scene
from console.gameday.shop import Shop
from console.records import Records

SECONDS_TO_HEAL = 300
STACKS = [(STACK, REGION), ("second", REGION), (STACK, "eu-west-1")]


def test_two_stacks_in_a_region_and_one_name_in_two_regions_each_heal_and_leave_the_others_alone() -> None:
    day = GameDay("stacks", "several stacks in one account", "off", ())
    with Shop(slow_seconds=0.2) as shop, Scene(shop, day) as scene:
        scene.deploy()
        outputs = {STACKS[0]: scene.outputs}
        for stack, region in STACKS[1:]:
            text = json.dumps({"email": shop.email, "password": shop.password})
            secret = scene.aws.client("secretsmanager", region).create_secret(Name=stack, SecretString=text)["ARN"]
            parameters = {**scene.parameters, "DinerSecretArn": secret}
            outputs[stack, region] = scene.aws.deploy(scene.built, stack, parameters, region)

        def healings() -> list[int]:
            tables = [
                Records(scene.aws.client("dynamodb", region), outputs[stack, region]["TableName"], stack)
                for stack, region in STACKS
            ]
            return [sum(json.loads(e.data).get("outcome") == "HEALED" for e in table.log()) for table in tables]

        for number, (stack, region) in enumerate(STACKS):
            before = healings()
            shop.chaos("fail")
            topic = outputs[stack, region]["AlarmTopicArn"]
            scene.aws.client("sns", region).publish(TopicArn=topic, Message="Orders fail")
            until = time.monotonic() + SECONDS_TO_HEAL
            while healings() == before and time.monotonic() < until:
                time.sleep(0.2)
            assert healings() == [count + (each == number) for each, count in enumerate(before)], (stack, region)
