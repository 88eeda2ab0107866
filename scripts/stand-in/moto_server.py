"""Starts moto's server, with what a deployment of these stacks needs and moto 5.2.5 lacks.

    python moto_server.py -H 127.0.0.1 -p PORT

- A KMS key with tags cannot be made: CloudFormation writes Key, moto's KMS reads TagKey.
- Load balancers are all application load balancers, which have no TCP listeners.
- Aurora clusters are unknown, and the instances in them are taken for databases of their own.
- Most parts of a network, listeners, target groups and schedules are not deleted with their stack; the rest goes in any
  order.
- Nothing says what there is. GET /stand-in/resources tells of each resource of each stack whether moto has it.
"""

import json
import os
import sys
import threading

import moto.server
from moto.autoscaling.models import FakeScheduledAction, autoscaling_backends
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap, get_model_map
from moto.core.base_backend import BackendDict
from moto.core.common_models import BaseModel, CloudFormationModel
from moto.ec2.models import EC2Backend, ec2_backends
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
from moto.kms.models import Key
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.rds.models import rds_backends


def mend_creations():
    def with_key_tags(create, cls, name, template, *rest, **more):
        properties = template["Properties"]
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])]
        return create(cls, name, {**template, "Properties": {**properties, "Tags": tags}}, *rest, **more)

    def of_its_kind(create, cls, name, template, *rest, **more):
        made = create(cls, name, template, *rest, **more)
        made.type = template["Properties"].get("Type", "application")
        return made

    for model, mended in ((Key, with_key_tags), (FakeLoadBalancer, of_its_kind)):
        create = model.create_from_cloudformation_json.__func__
        # partial would not be bound to the class.
        model.create_from_cloudformation_json = classmethod(
            lambda cls, *rest, _create=create, _mended=mended, **more: _mended(_create, cls, *rest, **more)
        )


def disassociate(backend, association):
    table, subnet = association.route_table_id, association.subnet_id
    associations = backend.get_route_table(table)._associations
    for key in [key for key, of in associations.items() if of == subnet]:
        backend.disassociate_route_table(key)
    del backend.subnet_associations[f"{table}:{subnet}"]


def mend_deletions():
    on_ec2 = {
        ElasticAddress: lambda ec2, it: ec2.release_address(allocation_id=it.allocation_id),
        FlowLogs: lambda ec2, it: ec2.delete_flow_logs([it.id]),
        InternetGateway: lambda ec2, it: ec2.delete_internet_gateway(it.id),
        NatGateway: lambda ec2, it: ec2.delete_nat_gateway(it.id),
        Route: lambda ec2, it: it.route_table._routes.pop(it.id),
        RouteTable: lambda ec2, it: ec2.delete_route_table(it.id),
        SubnetRouteTableAssociation: disassociate,
        Volume: lambda ec2, it: ec2.delete_volume(it.id),
        VPCEndPoint: lambda ec2, it: ec2.delete_vpc_endpoints([it.id]),
        VPCGatewayAttachment: lambda ec2, it: ec2.detach_internet_gateway(it.gateway_id, it.vpc_id),
    }
    on_elbv2 = {
        FakeListener: lambda elbv2, it: elbv2.delete_listener(it.arn),
        FakeTargetGroup: lambda elbv2, it: elbv2.delete_target_group(it.arn),
    }
    on_autoscaling = {
        FakeScheduledAction: lambda autoscaling, it: autoscaling.delete_scheduled_action(
            it.auto_scaling_group_name, it.scheduled_action_name
        ),
    }
    for backends, deletions in (
        (ec2_backends, on_ec2),
        (elbv2_backends, on_elbv2),
        (autoscaling_backends, on_autoscaling),
    ):
        for model, delete in deletions.items():
            if "delete" in vars(model):
                sys.exit(f"moto now deletes {model.__name__} itself: take it out of {__file__}")
            model.delete = lambda self, account, region, _backends=backends, _delete=delete: _delete(
                _backends[account][region], self
            )


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
        name = self.physical_resource_id
        values = {
            "Endpoint.Address": f"{name}.rds.example",
            "Endpoint.Port": "5432",
            "MasterUserSecret.SecretArn": f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}",
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


# Where moto keeps resources in others: routes in a table, listeners of a balancer, rules of a bus, document versions.
nesting = ("_routes", "listeners", "rules", "versions")


def all_there(backends):
    """Ids, in Python's sense, of all models that backends hold."""
    there = set()

    def walk(store):
        for value in list(store.values() if isinstance(store, dict) else store):
            if isinstance(value, BaseModel):
                if id(value) not in there and getattr(value, "state", None) != "deleted":
                    there.add(id(value))
                    walk([part for name, part in vars(value).items() if name in nesting])
            elif isinstance(value, (dict, list)):
                walk(value)

    for backend in backends:
        walk([store for store in vars(backend).values() if isinstance(store, (dict, list))])
    return there


def resources():
    """Of each stack that was ever made, each resource and whether it is there; and the machines that run."""
    backends = [it for service in BackendDict._instances for regions in service.values() for it in regions.values()]
    there = all_there(backends)
    found, machines = [], []
    for backend in backends:
        if isinstance(backend, EC2Backend):
            instances = [it for reservation in backend.reservations.values() for it in reservation.instances]
            machines += [it.id for it in instances if it.state != "terminated"]
        if isinstance(backend, CloudFormationBackend):
            for stack in [*backend.stacks.values(), *backend.deleted_stacks.values()]:
                made = stack.resource_map._parsed_resources
                for name, template in stack.resource_map._resource_json_map.items():
                    is_there = id(made.get(name)) in there
                    found.append({"stack": stack.name, "id": name, "type": template["Type"], "isThere": is_there})
    return {"resources": found, "machines": machines}


class StandIn(DomainDispatcherApplication):
    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != "/stand-in/resources":
            return super().__call__(environ, start_response)
        start_response("200 OK", [("content-type", "application/json")])
        return [json.dumps(resources()).encode()]


def end_with_input():
    """Whoever started it holds the other end of its input, which closes when that process ends, also by a kill."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()
    mend_creations()
    mend_deletions()
    mend_order_of_deletion()
    get_model_map()["AWS::RDS::DBInstance"] = Database
    moto.server.DomainDispatcherApplication = StandIn
    moto.server.main()
