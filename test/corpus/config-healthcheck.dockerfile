FROM busybox
HEALTHCHECK --interval=5s --timeout=3s --retries=2 --start-period=1s CMD ["true"]
#: config {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 5000000000, "Timeout": 3000000000, "Retries": 2, "StartPeriod": 1000000000}}
