"""Starts moto's server with what `cdk destroy` needs and moto 5.2.5 lacks.

    python moto_server.py -H 127.0.0.1 -p PORT

- An AWS::KMS::Key with tags cannot be made: CloudFormation writes Key, moto's KMS reads TagKey.
- Of most network and load balancer resources CloudFormation's deletion does nothing; the VPC then cannot be deleted.
- Nothing says what is there. GET /stand-in/resources lists all that any service holds, by service, kind and id.
"""

import json
import sys

from moto.autoscaling.models import FakeScheduledAction, autoscaling_backends
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap, get_model_map
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.common_models import BaseModel, CloudFormationModel
from moto.ec2 import models as ec2
from moto.ec2.models.elastic_block_store import Volume
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ec2.models.flow_logs import FlowLogs
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.models.subnets import SubnetRouteTableAssociation
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.models.vpn_gateway import VPCGatewayAttachment
from moto.elbv2.models import FakeListener, FakeLoadBalancer, FakeTargetGroup, elbv2_backends
from moto.kms.models import KmsBackend
from moto.rds.models import rds_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import main


def mend_key_tags():
    create_key = KmsBackend.create_key

    def create_tagged_key(self, policy, key_usage, key_spec, description, tags, **rest):
        renamed = [{"TagKey": tag.get("TagKey", tag.get("Key")), "TagValue": tag.get("TagValue", tag.get("Value"))} for tag in tags or []]
        return create_key(self, policy, key_usage, key_spec, description, renamed, **rest)

    KmsBackend.create_key = create_tagged_key


def mend_deletions():
    def on_ec2(delete):
        return lambda self, account, region: delete(ec2.ec2_backends[account][region], self)

    def on_elbv2(delete):
        return lambda self, account, region: delete(elbv2_backends[account][region], self)

    def disassociate(backend, association):
        table, subnet = association.route_table_id, association.subnet_id
        associations = backend.get_route_table(table)._associations
        for key in [key for key, of in associations.items() if of == subnet]:
            backend.disassociate_route_table(key)
        del backend.subnet_associations[f"{table}:{subnet}"]

    deletions = {
        ElasticAddress: on_ec2(lambda backend, it: backend.release_address(allocation_id=it.allocation_id)),
        FlowLogs: on_ec2(lambda backend, it: backend.delete_flow_logs([it.id])),
        InternetGateway: on_ec2(lambda backend, it: backend.delete_internet_gateway(it.id)),
        NatGateway: on_ec2(lambda backend, it: backend.delete_nat_gateway(it.id)),
        Route: on_ec2(lambda backend, it: it.route_table._routes.pop(it.id, None)),
        RouteTable: on_ec2(lambda backend, it: backend.delete_route_table(it.id)),
        SubnetRouteTableAssociation: on_ec2(disassociate),
        Volume: on_ec2(lambda backend, it: backend.delete_volume(it.id)),
        VPCEndPoint: on_ec2(lambda backend, it: backend.delete_vpc_endpoints([it.id])),
        VPCGatewayAttachment: on_ec2(lambda backend, it: backend.detach_internet_gateway(it.gateway_id, it.vpc_id)),
        FakeScheduledAction: lambda self, account, region: autoscaling_backends[account][
            region
        ].delete_scheduled_action(self.auto_scaling_group_name, self.scheduled_action_name),
        FakeListener: on_elbv2(lambda backend, it: backend.delete_listener(it.arn)),
        FakeTargetGroup: on_elbv2(lambda backend, it: backend.delete_target_group(it.arn)),
    }
    for model, delete in deletions.items():
        if "delete" in vars(model):
            sys.exit(f"moto now deletes {model.__name__} itself: take it out of {__file__}")
        model.delete = delete


def mend_order_of_deletion():
    """What refers to others goes before them, as in CloudFormation; moto takes them as they come."""

    def delete(self):
        kept = {id for id, it in self._resource_json_map.items() if it.get("DeletionPolicy") == "Retain"}
        made = [id for id in self._parsed_resources if id in self._resource_json_map and id not in kept]
        for id in reversed(made):
            # They stay in the map: its outputs would make them again for whoever asks about the stack.
            if self._parsed_resources[id] is not None:
                self._delete_resource(self._parsed_resources[id], self._resource_json_map[id])

    ResourceMap.delete = delete


def mend_kinds_of_load_balancers():
    """moto makes each an application load balancer, and then refuses the listeners of the other kind."""
    create = FakeLoadBalancer.create_from_cloudformation_json.__func__

    def create_of_its_kind(cls, name, template, *rest, **more):
        made = create(cls, name, template, *rest, **more)
        made.type = template["Properties"].get("Type", "application")
        return made

    FakeLoadBalancer.create_from_cloudformation_json = classmethod(create_of_its_kind)


class Database(CloudFormationModel):
    """What CloudFormation sees of a cluster or of an instance in one: moto knows neither as resources."""

    # moto sorts its models by the second part of this.
    __module__ = "moto.rds.stand_in"

    def __init__(self, name, properties):
        self.physical_resource_id = name
        self.is_protected = properties.get("DeletionProtection", False)

    @staticmethod
    def cloudformation_name_type():
        return ""

    @staticmethod
    def cloudformation_type():
        return "AWS::RDS::DBCluster"

    @classmethod
    def has_cfn_attr(cls, attr):
        return attr in ("Endpoint.Address", "Endpoint.Port", "MasterUserSecret.SecretArn")

    def get_cfn_attribute(self, attr):
        values = {
            "Endpoint.Address": f"{self.physical_resource_id}.rds.example",
            "Endpoint.Port": "5432",
            "MasterUserSecret.SecretArn": f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{self.physical_resource_id}",
        }
        return values[attr]

    @classmethod
    def create_from_cloudformation_json(cls, name, template, account, region, **_):
        databases = vars(rds_backends[account][region]).setdefault("stand_in_databases", {})
        databases[name] = cls(name, template["Properties"])
        return databases[name]

    def delete(self, account, region):
        if self.is_protected:
            raise ValidationError(
                message="Cannot delete protected Cluster, please disable deletion protection and try again."
            )
        del rds_backends[account][region].stand_in_databases[self.physical_resource_id]


def resources():
    """Of each stack that was ever made, each resource and whether it is there; and the machines that run."""
    there = set()

    def walk(store):
        for value in list(store.values() if isinstance(store, dict) else store):
            if isinstance(value, BaseModel):
                if id(value) not in there and getattr(value, "state", None) != "deleted":
                    there.add(id(value))
                    walk([part for name, part in vars(value).items() if name in nesting])
            elif isinstance(value, (dict, list)):
                walk(value)

    backends = [backend for kind in BackendDict._instances for regions in kind.values() for backend in regions.values()]
    for backend in backends:
        walk([store for store in vars(backend).values() if isinstance(store, (dict, list))])
    found = []
    for backend in backends:
        if isinstance(backend, CloudFormationBackend):
            for stack in [*backend.stacks.values(), *backend.deleted_stacks.values()]:
                for logical_id, template in stack.resource_map._resource_json_map.items():
                    made = stack.resource_map._parsed_resources.get(logical_id)
                    found.append(
                        {
                            "stack": stack.name,
                            "id": logical_id,
                            "type": template["Type"],
                            "isThere": id(made) in there,
                        }
                    )
    reservations = [it for backend in backends if isinstance(backend, ec2.EC2Backend) for it in backend.reservations.values()]
    running = [it.id for reservation in reservations for it in reservation.instances if it.state != "terminated"]
    return {"resources": found, "machines": running}


# Where moto keeps resources in others: routes in a table, listeners of a load balancer, rules of a bus, a document's versions.
nesting = ("_routes", "listeners", "rules", "versions")


class StandIn(DomainDispatcherApplication):
    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != "/stand-in/resources":
            return super().__call__(environ, start_response)
        start_response("200 OK", [("content-type", "application/json")])
        return [json.dumps(resources()).encode()]


if __name__ == "__main__":
    mend_key_tags()
    mend_deletions()
    mend_order_of_deletion()
    mend_kinds_of_load_balancers()
    get_model_map()["AWS::RDS::DBInstance"] = Database
    import moto.server

    moto.server.DomainDispatcherApplication = StandIn
    main()
