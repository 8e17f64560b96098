{{- define "kvorum.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* Short: what is made of it must fit into 63 letters. */}}
{{- define "kvorum.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "kvorum.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "kvorum.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "kvorum.headless" -}}
{{- include "kvorum.fullname" . }}-headless
{{- end }}

{{- define "kvorum.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kvorum.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kvorum.labels" -}}
{{ include "kvorum.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "kvorum.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kvorum.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "kvorum.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "kvorum.clientScheme" -}}
{{- if .Values.tls.client.enabled }}https{{ else }}http{{ end }}
{{- end }}

{{- define "kvorum.peerScheme" -}}
{{- if .Values.tls.peer.enabled }}https{{ else }}http{{ end }}
{{- end }}

{{- /* How members reach each other, without the pod's name in front. */}}
{{- define "kvorum.domain" -}}
{{ include "kvorum.headless" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "kvorum.initialCluster" -}}
{{- $members := list }}
{{- range $i := until (int .Values.replicaCount) }}
{{- $pod := printf "%s-%d" (include "kvorum.fullname" $) $i }}
{{- $members = append $members (printf "%s=%s://%s.%s:2380" $pod (include "kvorum.peerScheme" $) $pod (include "kvorum.domain" $)) }}
{{- end }}
{{- join "," $members }}
{{- end }}

{{- define "kvorum.clientSecret" -}}
{{- if .Values.certManager.enabled }}{{ include "kvorum.fullname" . }}-client-tls
{{- else }}{{ required "tls.client.existingSecret or certManager.enabled is needed with tls.client.enabled" .Values.tls.client.existingSecret }}
{{- end }}
{{- end }}

{{- define "kvorum.peerSecret" -}}
{{- if .Values.certManager.enabled }}{{ include "kvorum.fullname" . }}-peer-tls
{{- else }}{{ required "tls.peer.existingSecret or certManager.enabled is needed with tls.peer.enabled" .Values.tls.peer.existingSecret }}
{{- end }}
{{- end }}

{{- define "kvorum.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "kvorum.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1001
runAsGroup: 1001
fsGroup: 1001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}
