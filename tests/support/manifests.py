"""One whole, valid object of each of the kinds that say much; for tests that spoil them."""

from typing import Any

import yaml

TEXT = """
- apiVersion: v1
  kind: Pod
  metadata: {name: x, labels: {a: b}, annotations: {c: d}, finalizers: [e.io/f]}
  spec:
    initContainers: [{name: i, image: i, command: [a], restartPolicy: Always}]
    containers:
    - name: c
      image: i
      args: [a]
      ports: [{name: http, containerPort: 80, hostPort: 8080, protocol: TCP}]
      env:
      - {name: A, value: b}
      - {name: B, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      - {name: C, valueFrom: {secretKeyRef: {name: s, key: k}}}
      envFrom: [{configMapRef: {name: m}}]
      resources: {requests: {cpu: 100m}, limits: {cpu: "1", memory: 1Gi}}
      volumeMounts: [{name: v, mountPath: /v, subPath: a}]
      livenessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
      readinessProbe: {tcpSocket: {port: 80}}
      lifecycle: {preStop: {sleep: {seconds: 1}}}
      securityContext: {runAsUser: 1}
    volumes:
    - {name: v, emptyDir: {sizeLimit: 1Mi}}
    - {name: m, configMap: {name: m, items: [{key: a, path: b}]}}
    - {name: p, projected: {sources: [{serviceAccountToken: {path: t}}]}}
    nodeSelector: {a: b}
    tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 1}]
    affinity:
      nodeAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]
      podAntiAffinity:
        preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 1
          podAffinityTerm: {topologyKey: a, labelSelector: {matchLabels: {a: b}}}
    topologySpreadConstraints:
    - {maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}
    dnsConfig: {nameservers: [1.1.1.1], searches: [a.b], options: [{name: ndots, value: "2"}]}
    hostAliases: [{ip: 1.2.3.4, hostnames: [a.b]}]
    readinessGates: [{conditionType: a.io/b}]
    schedulingGates: [{name: a.io/b}]
- apiVersion: v1
  kind: Service
  metadata: {name: x}
  spec:
    type: LoadBalancer
    selector: {a: b}
    ports: [{name: http, port: 80, targetPort: http, protocol: TCP, appProtocol: a.io/b}]
    sessionAffinity: ClientIP
    sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}
    externalTrafficPolicy: Local
    loadBalancerSourceRanges: [10.0.0.0/8]
    externalIPs: [1.2.3.4]
    ipFamilies: [IPv4]
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: x}
  spec: &workload
    replicas: 1
    selector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}]}
    template: &template
      metadata: {labels: {a: b}}
      spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}
    minReadySeconds: 1
    strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}}
- apiVersion: apps/v1
  kind: ReplicaSet
  metadata: {name: x}
  spec: {selector: {matchLabels: {a: b}}, template: *template}
- apiVersion: v1
  kind: ReplicationController
  metadata: {name: x}
  spec: {selector: {a: b}, template: *template}
- apiVersion: apps/v1
  kind: DaemonSet
  metadata: {name: x}
  spec:
    selector: {matchLabels: {a: b}}
    template: *template
    updateStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
- apiVersion: apps/v1
  kind: StatefulSet
  metadata: {name: x}
  spec:
    serviceName: a
    selector: {matchLabels: {a: b}}
    template: *template
    ordinals: {start: 1}
    updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}
    persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}
    volumeClaimTemplates:
    - metadata: {name: d}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
- apiVersion: batch/v1
  kind: Job
  metadata: {name: x}
  spec: &job
    completions: 2
    parallelism: 2
    completionMode: Indexed
    backoffLimitPerIndex: 1
    podFailurePolicy:
      rules:
      - {action: FailJob, onExitCodes: {operator: In, values: [1]}}
      - {action: Ignore, onPodConditions: [{type: DisruptionTarget, status: "True"}]}
    template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: x}
  spec: {schedule: "* * * * *", timeZone: Etc/UTC, jobTemplate: {spec: *job}}
- apiVersion: v1
  kind: Node
  metadata: {name: x}
  spec: {podCIDRs: [10.0.0.0/24], taints: [{key: a, value: b, effect: NoSchedule}]}
  status: {capacity: {cpu: "1"}, addresses: [{type: InternalIP, address: 1.2.3.4}]}
- apiVersion: v1
  kind: PersistentVolume
  metadata: {name: x}
  spec:
    capacity: {storage: 1Gi}
    accessModes: [ReadWriteOnce]
    hostPath: {path: /a}
    nodeAffinity:
      required: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: x}
  spec:
    accessModes: [ReadWriteOnce]
    resources: {requests: {storage: 1Gi}}
    selector: {matchLabels: {a: b}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: b}, binaryData: {c: ZA==}}
- {apiVersion: v1, kind: Secret, metadata: {name: x}, type: Opaque, stringData: {a: b}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: x}, secrets: [{name: a}]}
- {apiVersion: v1, kind: Namespace, metadata: {name: x}, spec: {finalizers: [a.io/b]}}
- apiVersion: v1
  kind: ResourceQuota
  metadata: {name: x}
  spec:
    hard: {pods: 1000, cpu: "1000"}
    scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [a]}]}
- apiVersion: v1
  kind: LimitRange
  metadata: {name: x}
  spec: {limits: [{type: Container, max: {cpu: "9"}, min: {cpu: 1m}, default: {cpu: "1"}}]}
- apiVersion: v1
  kind: Endpoints
  metadata: {name: x}
  subsets: [{addresses: [{ip: 1.2.3.4, nodeName: a}], ports: [{name: a, port: 80}]}]
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: x}
  addressType: IPv4
  ports: [{name: a, port: 80, protocol: TCP}]
  endpoints: [{addresses: [1.2.3.4], conditions: {ready: true}, hints: {forZones: [{name: a}]}}]
- apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata: {name: x}
  spec:
    ingressClassName: a
    tls: [{hosts: [a.b], secretName: s}]
    rules:
    - host: "*.a.b"
      http:
        paths:
        - {path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: x}
  spec:
    podSelector: {matchLabels: {a: b}}
    ingress:
    - from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {podSelector: {}}]
      ports: [{port: 80, endPort: 90}]
- apiVersion: autoscaling/v2
  kind: HorizontalPodAutoscaler
  metadata: {name: x}
  spec:
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}
    maxReplicas: 3
    metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
    behavior: {scaleDown: {policies: [{type: Pods, value: 1, periodSeconds: 15}]}}
- apiVersion: autoscaling/v1
  kind: HorizontalPodAutoscaler
  metadata: {name: y}
  spec:
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}
    maxReplicas: 3
    targetCPUUtilizationPercentage: 50
- apiVersion: policy/v1
  kind: PodDisruptionBudget
  metadata: {name: x}
  spec: {minAvailable: 50%, selector: {matchLabels: {a: b}}}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: x}
  rules: [{apiGroups: [""], resources: [pods], verbs: [get], resourceNames: [a]}]
  aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: x}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}
  subjects: [{kind: ServiceAccount, name: a, namespace: b}]
- apiVersion: storage.k8s.io/v1
  kind: StorageClass
  metadata: {name: x}
  provisioner: a.io/b
  parameters: {a: b}
- apiVersion: coordination.k8s.io/v1
  kind: Lease
  metadata: {name: x}
  spec: {holderIdentity: a, leaseDurationSeconds: 1, renewTime: "2020-01-01T00:00:00.000000Z"}
- {apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: x}, value: 1}
- apiVersion: v1
  kind: Event
  metadata: {name: x}
  involvedObject: {kind: Pod, name: a, namespace: default}
  reason: a
  series: {count: 2, lastObservedTime: "2020-01-01T00:00:00.000000Z"}
- apiVersion: events.k8s.io/v1
  kind: Event
  metadata: {name: y}
  regarding: {kind: Pod, name: a, namespace: default}
  eventTime: "2020-01-01T00:00:00.000000Z"
  reportingController: a.io/b
  reportingInstance: a
  action: a
  reason: a
  type: Normal
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: things.a.io}
  spec:
    group: a.io
    scope: Namespaced
    names: {plural: things, kind: Thing, shortNames: [th], categories: [all]}
    versions:
    - name: v1
      served: true
      storage: true
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
      additionalPrinterColumns: [{name: A, type: string, jsonPath: .spec.a}]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [a]
              properties:
                a: {type: string, pattern: "^a", default: a}
                replicas: {type: integer, minimum: 0}
                list:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [k]
                  items: {type: object, required: [k], properties: {k: {type: string}}}
- apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingWebhookConfiguration
  metadata: {name: x}
  webhooks:
  - name: a.b.io
    admissionReviewVersions: [v1]
    sideEffects: None
    clientConfig: {url: "https://a.b/c"}
    rules: [{operations: [CREATE], apiGroups: [none.example], apiVersions: [v1], resources: [pods]}]
- apiVersion: metallb.io/v1beta1
  kind: IPAddressPool
  metadata: {name: x}
  spec: {addresses: [1.2.3.0/24], autoAssign: true}
"""


def manifests() -> list[Any]:
    """All of them, made anew."""
    found: list[Any] = yaml.safe_load(TEXT)
    return found
