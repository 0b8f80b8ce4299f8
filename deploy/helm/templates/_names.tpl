{{- define "facade.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "facade.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "facade.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "facade.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "facade.selector" -}}
app.kubernetes.io/name: {{ include "facade.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "facade.labels" -}}
{{ include "facade.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Whether the chart makes a secret, and the names of the two that hold keys. */}}
{{- define "facade.backendSecret" -}}
{{- if .Values.backend.existingSecret -}}{{ .Values.backend.existingSecret }}
{{- else if .Values.backend.apiKey -}}{{ include "facade.fullname" . }}
{{- end -}}
{{- end -}}

{{- define "facade.clientSecret" -}}
{{- if .Values.clientKeys.existingSecret -}}{{ .Values.clientKeys.existingSecret }}
{{- else if .Values.clientKeys.keys -}}{{ include "facade.fullname" . }}
{{- end -}}
{{- end -}}

{{/* The names of the service in the cluster that have more than one label and do not end in .local. */}}
{{- define "facade.hosts" -}}
{{- $name := printf "%s.%s" (include "facade.fullname" .) .Release.Namespace -}}
{{ $name }},{{ $name }}.svc
{{- end -}}
