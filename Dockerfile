# A static binary on an image without a shell, run as a user without rights.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X sshkeybot/internal/app.Version=$VERSION" -o /sshkeybot ./cmd/sshkeybot \
 && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /sshkeybot /sshkeybot
COPY --from=build --chown=nonroot:nonroot /data /data
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["/sshkeybot", "healthcheck"]
ENTRYPOINT ["/sshkeybot"]
CMD ["run"]
