"""What holds state: tables, buckets, the key that signs tokens, and the secret that seals cursors."""

from aws_cdk import Duration
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    Billing,
    GlobalSecondaryIndexPropsV2,
    PointInTimeRecoverySpecification,
    StreamViewType,
    TableEncryptionV2,
    TableV2,
)
from aws_cdk.aws_events import EventBus
from aws_cdk.aws_kms import Key, KeySpec, KeyUsage
from aws_cdk.aws_s3 import (
    BlockPublicAccess,
    Bucket,
    BucketEncryption,
    CfnBucket,
    CorsRule,
    HttpMethods,
    LifecycleRule,
    ObjectOwnership,
    StorageClass,
    Transition,
)
from aws_cdk.aws_secretsmanager import CfnSecret
from constructs import Construct

from infra.constructs.visionscope_stack import VisionScopeStack
from infra.grants import Resources
from infra.stages import Stage

TABLES = ("data", "outbox", "read-models", "audit", "ephemeral")
_EXPIRING = frozenset({"outbox", "ephemeral"})


class FoundationStack(VisionScopeStack):
    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(scope, "foundation", stage)
        self.tables = {name: self._table(name) for name in TABLES}
        self.buckets = {"uploads": self._uploads(), "results": self._results(), "events": self._events()}
        self.token_key = Key(
            self,
            "TokenKey",
            description="Signs access tokens",
            key_spec=KeySpec.ECC_NIST_P256,
            key_usage=KeyUsage.SIGN_VERIFY,
            removal_policy=self.removal_policy,
        )
        # The L1 construct, since the emulator doesn't know the policies of the other.
        self.cursor_secret = CfnSecret(
            self,
            "CursorSecret",
            description="Seals the cursors of lists",
            generate_secret_string=CfnSecret.GenerateSecretStringProperty(password_length=64, exclude_punctuation=True),
        )
        self.cursor_secret.apply_removal_policy(self.removal_policy)
        for name, table in self.tables.items():
            self.output(f"{_pascal(name)}Table", table.table_name)
        for name, bucket in self.buckets.items():
            self.output(f"{_pascal(name)}Bucket", bucket.bucket_name)

    def resources(self, bus: EventBus) -> Resources:
        return Resources(
            tables=self.tables,
            buckets=self.buckets,
            bus=bus,
            token_key=self.token_key,
            cursor_secret_arn=self.cursor_secret.attr_id,
            analysis_name=self.physical_name("analysis"),
            rebuild_grace_seconds=self.stage_settings.rebuild_grace_seconds,
            answer_model=self.stage_settings.answer_model,
            stage_prefix=self.physical_name(""),
            emulated=not self.stage_settings.is_cloud,
        )

    def _table(self, name: str) -> TableV2:
        published = name == "outbox"
        return TableV2(
            self,
            f"{name}-table",
            table_name=self.physical_name(name),
            partition_key=Attribute(name="pk", type=AttributeType.STRING),
            sort_key=Attribute(name="sk", type=AttributeType.STRING),
            billing=Billing.on_demand(),
            encryption=TableEncryptionV2.aws_managed_key(),
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            time_to_live_attribute="expires_at" if name in _EXPIRING else None,
            dynamo_stream=StreamViewType.NEW_IMAGE if published else None,
            # Sparse: only what is still unpublished has a shard.
            global_secondary_indexes=[
                GlobalSecondaryIndexPropsV2(
                    index_name="unpublished",
                    partition_key=Attribute(name="shard", type=AttributeType.STRING),
                    sort_key=Attribute(name="recorded_at", type=AttributeType.STRING),
                )
            ]
            if published
            else None,
            deletion_protection=self.stage_settings.keeps_data,
            removal_policy=self.removal_policy,
        )

    def _uploads(self) -> Bucket:
        bucket = self._bucket(
            "uploads-bucket",
            cors=CorsRule(
                allowed_methods=[HttpMethods.POST],
                allowed_origins=list(self.stage_settings.cors_origins),
                allowed_headers=["*"],
                max_age=3600,
            ),
            lifecycle=LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(1),
                transitions=[
                    Transition(storage_class=StorageClass.INTELLIGENT_TIERING, transition_after=Duration.days(1))
                ],
            ),
        )
        # Set on the L1 construct: the L2's switch deploys a Lambda function of its own with rights on all buckets.
        template = bucket.node.default_child
        assert isinstance(template, CfnBucket)
        template.notification_configuration = CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        return bucket

    def _results(self) -> Bucket:
        return self._bucket(
            "results-bucket",
            cors=CorsRule(
                allowed_methods=[HttpMethods.GET, HttpMethods.HEAD],
                allowed_origins=list(self.stage_settings.cors_origins),
                allowed_headers=["range"],
                exposed_headers=["accept-ranges", "content-range", "etag"],
                max_age=3600,
            ),
            lifecycle=LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(1),
                transitions=[
                    Transition(storage_class=StorageClass.INTELLIGENT_TIERING, transition_after=Duration.days(30))
                ],
            ),
        )

    def _events(self) -> Bucket:
        return self._bucket(
            "events-bucket",
            lifecycle=LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(1),
                transitions=[
                    Transition(storage_class=StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=Duration.days(90))
                ],
            ),
            versioned=self.stage_settings.keeps_data,
        )

    def _bucket(
        self, name: str, *, lifecycle: LifecycleRule, cors: CorsRule | None = None, versioned: bool = False
    ) -> Bucket:
        return Bucket(
            self,
            name,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=BucketEncryption.S3_MANAGED,
            enforce_ssl=self.stage_settings.is_cloud,
            versioned=versioned,
            cors=[cors] if cors else None,
            lifecycle_rules=[lifecycle],
            removal_policy=self.removal_policy,
        )


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))
