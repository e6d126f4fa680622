{{/* Name of the chart, for labels. */}}
{{- define "evermodel.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Name of what this release makes. Short enough for the suffixes that follow it. */}}
{{- define "evermodel.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "evermodel.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "evermodel.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "evermodel.selectorLabels" -}}
app.kubernetes.io/name: {{ include "evermodel.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "evermodel.labels" -}}
{{ include "evermodel.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: evermodel
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "evermodel.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "evermodel.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Reference of an image: given the image's values and the tag to use when there is neither digest nor tag. */}}
{{- define "evermodel.image" -}}
{{- $image := .image }}
{{- if $image.registry }}{{ $image.registry }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .defaultTag $image.tag }}{{ end }}
{{- end }}

{{/* What the operator does, in the namespaces that it looks after. evermodel_operator/cluster/permissions.py says the same. */}}
{{- define "evermodel.rules" -}}
- apiGroups: [evermodel.dev]
  resources: [modeltrainings, modeldeployments, driftmonitors]
  verbs: [list, watch]
- apiGroups: [evermodel.dev]
  resources: [modelversions]
  verbs: [get, list, watch, create, patch]
- apiGroups: [evermodel.dev]
  resources: [modeltrainings/status, modelversions/status, modeldeployments/status, driftmonitors/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [get, create, patch]
{{- end }}
