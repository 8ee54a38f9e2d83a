# A static binary on an image without a shell, run as a user without rights.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev COMMIT DATE
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X sshkeybot/internal/app.Version=$VERSION -X sshkeybot/internal/app.commit=$COMMIT -X sshkeybot/internal/app.date=$DATE" -o /sshkeybot ./cmd/sshkeybot \
 && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev COMMIT DATE
LABEL org.opencontainers.image.title=sshkeybot \
      org.opencontainers.image.description="Lends SSH access to your servers, with approval and an end" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$COMMIT \
      org.opencontainers.image.created=$DATE
COPY --from=build /sshkeybot /sshkeybot
COPY --from=build --chown=nonroot:nonroot /data /data
WORKDIR /data
VOLUME /data
# All of the container's addresses: where 127.0.0.1 is its own, a probe from outside reaches nothing else.
ENV SSHKEYBOT_HTTP_ADDR=:9464
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["/sshkeybot", "healthcheck"]
ENTRYPOINT ["/sshkeybot"]
CMD ["run"]
